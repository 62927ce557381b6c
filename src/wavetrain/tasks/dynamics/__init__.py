"""Say how a system goes on."""
