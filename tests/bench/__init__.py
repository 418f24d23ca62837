"""What people wait for, measured beside other ways to do the same in the same run: `nox -s bench`."""
