"""Many tenants in one go: an inventory in, each tenant in a process of its own, one page over all of them out.

Who is meant: `inventory` (as CSV: `inventorycsv`), narrowed down by `selecting`, seen through by `checking`; whose plan
may be applied: `approvals`. What lies on disk: `folder`, to begin with what `asking` puts there. What is asked for one
tenant is an `order`, and `carrying` does it, with the run put to a store by `storing`.

Processes: a `crew` carries orders out, `forkedcrew` by forking (what it asks of the system is in `system`), `local`
makes this machine ready for that, `conduct` goes through the rings and stops where it must (`stopping`), all of it is
told to the journal by `noting`, and `fleet` leads from there to the summary.
Whether a run that was stopped may be gone on with is a matter of `resuming`. Elsewhere: `executors` take a crew's
place, `runner` is a process that carries out orders, `runnerprocess` the other end of its pipe, `cluster` and `worker`
are dask's two sides.

What people see: `rows` (how a tenant ended) and `reasons`, `changes` since the run before, `page`, `exports`, `traces`,
`progress`; `writing` puts them into the folder.
"""
