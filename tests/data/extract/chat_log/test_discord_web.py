"""Discord's page as a browser saves it."""

from offbook.data.extract.chat_log.formats.discord import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered


def item(number: int, text: str, *, name: str = "", above: str = "", below: str = "") -> str:
    """A message, with the name where it is the first of several."""
    badge = '<span class="botTag_c19"><span>APP</span></span>'
    spans = f'<span class="headerText_c19"><span class="username_c19" role="button">{name}</span>{badge}</span>'
    heading = f'<h3 class="header_c19"><span id="message-username-{number}">{spans}</span></h3>' if name else ""
    time = f'<time id="message-timestamp-{number}" datetime="2021-05-12T21:{number}:05.000Z">9:{number} PM</time>'
    body = f'<div id="message-content-{number}" class="markup_f8f">{text}</div>' if text else ""
    held = f'<div class="message_d5d">{above}<div class="contents_d5d">{heading}{time}{body}</div>{below}</div>'
    return f'<li id="chat-messages-1-{number}" class="messageListItem_d5d">{held}</li>\n'


def test_messages_have_their_names_and_what_they_answer() -> None:
    preview = '<div id="message-content-31" class="repliedTextContent_f9f"><span>Is the lamp lit?</span></div>'
    above = f'<div id="message-reply-context-32"><span class="username_f9f">@Ann</span>{preview}</div>'
    edited = '<span class="timestamp_c19"><time aria-label="today"><span>(edited)</span></time></span>'
    page = (
        "<!DOCTYPE html><html><head><title>#keep - Discord</title></head>\n<body><ol>\n"
        + item(31, "<span>Is the lamp lit?</span>", name="Ann")
        + item(32, f"<span>Since four.</span>{edited}", name="Tom", above=above)
        + item(33, "<span>The oil is low.</span>")
        + item(34, "", name="Ann", below='<div id="message-accessories-34"><img src="a.png" alt="Image"></div>')
        + item(35, "", below='<div id="message-accessories-35"></div>')
        + "</ol></body></html>"
    )
    assert looks_like(page.splitlines()) == 1
    assert parsed(read, page) == [("Ann", "Is the lamp lit?"), ("Tom", "Since four."), ("Tom", "The oil is low.")]
    assert contents(read, page)[3:] == [Content.MEDIA, Content.NOTE]
    assert times(read, page)[1] == "2021-05-12 21:32"
    assert [message.reply_to for message in read(numbered(page))][:3] == ["", "31", ""]
