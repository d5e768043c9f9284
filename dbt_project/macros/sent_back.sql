-- Why a row of people goes back to its author, in a sentence that says how to mend it: one wording for every mart.
{% macro sent_back(code, language) -%}
    case {{ code }}
        {%- for because, sentence in sent_back_sentences()[language].items() %}
        when '{{ because }}' then '{{ sentence }}'
        {%- endfor %}
    end
{%- endmacro %}

{% macro sent_back_sentences() -%}
    {{ return({
        'en': {
            'unknown_customer':
                'No customer of that id was known on that day: correct the id or say whose id it is (customer_source),'
                ~ ' or change the row and send it again once the customer is known.',
            'unknown_policy': 'No policy of that name was ever decided: correct the name.',
            'unknown_tier': 'The policy has no such tier: name one that it has.',
            'manual_tier':
                'Nobody holds a manual tier before the first night: put the customer there by an override.',
            'ended_before_known': 'It had ended before it became known: give it a later end and send it again.',
            'overlaps':
                'It overlaps another override of the same customer and policy: shorten one of the two, change this row'
                ~ ' and send it again.',
        },
        'zh': {
            'unknown_customer':
                '当天没有这个编号的客户：请更正编号，或注明编号属于哪个来源（customer_source）；客户出现之后，修改本行再提交。',
            'unknown_policy': '没有这个名称的分级规则做过决定：请更正名称。',
            'unknown_tier': '该分级规则没有这个等级：请填写它有的等级。',
            'manual_tier': '首夜之前无人持有人工等级：请用人工指定把客户放进去。',
            'ended_before_known': '它在被知道之前已经结束：请改晚结束日期再提交。',
            'overlaps': '它与同一客户、同一分级规则的另一条人工指定日期重叠：请缩短其中一条，修改本行再提交。',
        },
    }) }}
{%- endmacro %}
