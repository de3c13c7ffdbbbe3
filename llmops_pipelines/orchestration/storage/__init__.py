"""Bytes, tables and locks under one root."""
