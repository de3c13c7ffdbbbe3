"""What a file would become, without landing it; how an unknown one might be mapped."""
