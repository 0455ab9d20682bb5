"""What is printed: fields for programs, tables and cards for people."""
