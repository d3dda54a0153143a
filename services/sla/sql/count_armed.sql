SELECT count(*) FROM sla.clock WHERE state = 'armed'
