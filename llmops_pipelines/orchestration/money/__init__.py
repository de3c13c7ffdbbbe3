"""The books: spend, budgets, months, invoices, and the names that they go by."""
