"""A mixed load on one client for as long as you like, under faults, limits and cancellations; then: what is left?"""
