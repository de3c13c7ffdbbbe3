"""Endpoints that judge: requests and replies, money shared by processes, batches."""
