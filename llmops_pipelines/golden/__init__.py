"""The golden dataset: candidates, near-duplicates, versions."""
