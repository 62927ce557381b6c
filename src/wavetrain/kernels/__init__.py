"""The fast insides of scan: one file per recurrence and device."""
