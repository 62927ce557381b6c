"""The part of the documentation that is generated: members, claims, API, and roles that read the results."""
