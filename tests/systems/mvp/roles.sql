-- The role of the API; with Supabase's "Enforce SSL on incoming connections" for it.

create role app_user login password '$PASSWORD$';
