SELECT role.rolsuper OR role.rolbypassrls OR EXISTS (
    SELECT FROM pg_catalog.pg_class AS relation
    WHERE relation.relowner = role.oid AND relation.relkind IN ('r', 'p')
) AS bypasses_rules
FROM pg_catalog.pg_roles AS role
WHERE role.rolname = current_user
