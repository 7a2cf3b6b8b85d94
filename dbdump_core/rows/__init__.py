"""What a row is: lines and lexers, checks and conversions by column, defaults, fingerprints."""
