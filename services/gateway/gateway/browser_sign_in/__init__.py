"""People sign in at their tenant's issuer with a browser, and stay signed in for a session."""
