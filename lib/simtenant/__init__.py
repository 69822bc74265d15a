"""A simulated tenant: the far end of Cloudflare, Microsoft Graph, Exchange Online and Entra ID, on loopback.

Use ``simtenant.state`` to create, read and change what a tenant holds, and ``python -m simtenant.server`` to
serve it; ``simtenant.mailflow`` tells where a message lands in it. ``simtenant.many`` makes hundreds of tenants,
``python -m simtenant.farm`` serves them in one process, and ``simtenant.judge`` reads from a tenant's log what its
client should never have done.
"""
