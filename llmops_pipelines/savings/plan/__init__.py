"""All savings as one."""
