"""The pages for people: search, projects, the audit trail."""
