"""Landing: log files to redacted rows and texts per event day; a day to de-duplicated calls."""
