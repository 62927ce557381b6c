"""Networks of more than one part, one file each: language models, and what is built of several systems."""
