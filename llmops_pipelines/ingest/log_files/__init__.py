"""Log files of any packing and shape to blocks of lines, a record each."""
