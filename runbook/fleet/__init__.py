"""Many tenants in one go: an inventory in, each tenant in a process of its own, one page over all of them out.

`inventory` reads who is meant, `folder` is what lies on disk of a fleet run, `order` is what is asked for one tenant
and `carrying` does it, in a process that `crew` has forked (or an executor has started, `executors`); `conduct` goes
through the rings and stops where it must.
"""
