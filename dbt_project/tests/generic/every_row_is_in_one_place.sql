-- Delivered = accepted + duplicates + quarantined + left out, for every accepted delivery.
{% test every_row_is_in_one_place(model) %}
    select *
    from {{ model }}
    where
        status = 'accepted'
        and delivered_rows <> accepted_rows + duplicate_rows + quarantined_rows + left_out_rows
{% endtest %}
