"""Many tenants in one go: an inventory in, each tenant in a process of its own, one page over all of them out.

`inventory` reads who is meant and `selecting` narrows it down; `folder` is what lies on disk of a fleet run; an `order`
is what is asked for one tenant and `carrying` does it, in a process that `crew` has forked or that `executors` have
started; `conduct` goes through the rings and stops where it must; `fleet` is all of it from beginning to summary. What
people see is in `rows` (how a tenant ended), `changes` (since the run before), `page` and `exports`.
"""
