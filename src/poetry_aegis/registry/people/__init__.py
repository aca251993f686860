"""Who may do what: users, roles, rights, tokens, and the passwords that prove them."""
