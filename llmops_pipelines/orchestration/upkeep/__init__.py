"""The lake kept in order: people forgotten, ledgers compacted, the warehouse made."""
