SELECT count(*) FROM courier.effect WHERE state = 'pending'
