"""Where the app's parts are.

Each router names its whole path: what is logged and counted is the template of its own route.
"""

API = "/api/v1"
