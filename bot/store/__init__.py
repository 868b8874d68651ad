"""The record in SQL: tables, queries, migrations; each method one transaction."""
