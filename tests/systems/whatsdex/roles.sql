-- The two roles.

create role app_user login password '$PASSWORD$';
create role migration_user login superuser password '$PASSWORD$';
