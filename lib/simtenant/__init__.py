"""A simulated tenant: the far end of Cloudflare, Microsoft Graph, Exchange Online and Entra ID, on loopback.

Use ``simtenant.state`` to create, read and change what a tenant holds, and ``python -m simtenant.server`` to
serve it; ``simtenant.mailflow`` tells where a message lands in it.
"""
