"""One function per public verb: permit, do, audit. Each takes an Identity first, then the World."""
