"""A working plugin to copy."""
