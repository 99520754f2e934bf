"""The files of a journal: their records, their segments, and the folder of one owner."""
