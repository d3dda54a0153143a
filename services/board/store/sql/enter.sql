SELECT person.* FROM board.enter(%(user_id)s) AS person
