"""SLA: keeps the clocks of open stages, fires reminders and breaches on time, bundles them into notices.

Three processes. `services.sla` (clocks) consumes ReferralChanged; `services.sla.firing` produces SlaSignalled;
`services.sla.windows` consumes SlaSignalled and produces NoticeRequested. Owns: schema sla and the changelog topics
of the windows. Decides: when a clock fires, which signals are one notice, when breaches are a storm.
"""
