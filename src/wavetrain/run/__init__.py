"""Many runs: experiments over seeds, several processes, layers on data of one's own."""
