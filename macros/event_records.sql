{# GEN-05: by source, where the records of the event meters are, and which column names their account. #}
{% macro event_records() %}
{{ return({
    'kustomer_messages': {
        'model': 'int_kiq__usage_metered', 'account': 'org_id', 'meters': ['kiq_conversation'],
    },
    'translations': {
        'model': 'int_trw__usage_metered', 'account': 'org_id', 'meters': ['translated_word'],
    },
    'twilio_calls': {
        'model': 'int_voi__legs_metered', 'account': 'account_sid', 'meters': ['voice_minute'],
    },
    'twilio_recordings': {
        'model': 'int_voi_04__recordings_metered', 'account': 'account_sid', 'meters': ['recording_minute'],
    },
    'twilio_transcriptions': {
        'model': 'int_voi_04__transcriptions_metered', 'account': 'account_sid', 'meters': ['transcription_minute'],
    },
    'twilio_messages': {
        'model': 'int_msg__usage_metered', 'account': 'account_sid', 'meters': ['sms_segment', 'mms_message'],
    },
    'whatsapp_webhooks': {
        'model': 'int_wap__usage_metered', 'account': 'waba_id',
        'meters': ['whatsapp_conversation', 'whatsapp_message'],
    },
}) }}
{% endmacro %}
