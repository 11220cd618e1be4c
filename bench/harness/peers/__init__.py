"""Other databases that do the same transfers, each in its best honest form."""
