"""The use cases: submit, schedule, perform, record, recover."""
