"""Running a saved run or sweep again, and telling whether the same came out."""
