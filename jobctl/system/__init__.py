"""What a process takes from the system it runs on: its clock and its environment. Nothing else reads either."""
