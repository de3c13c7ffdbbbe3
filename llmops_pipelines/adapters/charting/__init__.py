"""Every chart, by matplotlib."""
