"""The files of a journal: records, segments and the folder of one owner."""
