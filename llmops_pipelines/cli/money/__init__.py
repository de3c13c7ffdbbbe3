"""Commands about spend, prices, invoices and months."""
