"""The names of columns in many languages, and the ones by which the formats know them.

canonical("提问")  # instruction
"""

from __future__ import annotations

import re
from functools import lru_cache

SYNONYMS = {
    **dict.fromkeys(("prompt", "question", "query", "q", "user", "human", "user_question", "src"), "instruction"),
    **dict.fromkeys(("user_input", "user_message", "input_text", "text_input", "usuario", "вопрос"), "instruction"),
    **dict.fromkeys(("问", "问题", "提问", "问句", "上文", "上句", "用户", "用户输入", "指令", "提示"), "instruction"),
    **dict.fromkeys(("user_prompt", "提示词", "用户消息", "ユーザー", "사용자", "utilisateur"), "instruction"),
    **dict.fromkeys(("ask", "用户问题", "用户提问", "用户说", "玩家", "玩家台词", "上一句", "前一句"), "instruction"),
    **dict.fromkeys(("質問", "指示", "질문", "지시", "frage", "pregunta", "pergunta", "domanda"), "instruction"),
    **dict.fromkeys(("問", "問題", "提問", "問句", "使用者", "使用者輸入", "用戶", "提示詞"), "instruction"),
    **dict.fromkeys(("回覆", "答覆", "回應", "助理", "輸出", "角色回覆", "機器人"), "output"),
    **dict.fromkeys(("context", "inputs", "输入", "輸入", "入力", "입력"), "input"),
    **dict.fromkeys(("response", "completion", "answer", "a", "reply", "assistant", "bot", "gpt"), "output"),
    **dict.fromkeys(
        ("generated", "generation", "target", "targets", "tgt", "agent_response", "character_answer"), "output"
    ),
    **dict.fromkeys(("ai_response", "bot_response", "model_response", "assistant_message", "output_text"), "output"),
    **dict.fromkeys(("答", "回答", "答案", "答句", "下文", "下句", "回复", "回应", "助手", "输出"), "output"),
    **dict.fromkeys(("角色回复", "角色回答", "角色台词", "机器人回复", "模型回复", "模型回答", "ai回复"), "output"),
    **dict.fromkeys(("assistant_response", "character_response", "bot_reply", "model_output", "bot_message"), "output"),
    **dict.fromkeys(("模型输出", "回复内容", "角色输出", "助手回复", "アシスタント", "어시스턴트"), "output"),
    **dict.fromkeys(("标准答案", "参考答案", "标准回答", "答复", "应答", "下一句"), "output"),
    **dict.fromkeys(("応答", "返答", "返信", "出力", "답변", "응답", "대답", "출력"), "output"),
    **dict.fromkeys(("antwort", "réponse", "respuesta", "resposta", "risposta", "ответ"), "output"),
    **dict.fromkeys(
        ("câu_hỏi", "pytanie", "soru", "pertanyaan", "vraag", "питання", "fråga", "سؤال", "คำถาม"), "instruction"
    ),
    **dict.fromkeys(("câu_trả_lời", "trả_lời", "odpowiedź", "cevap", "yanıt", "jawaban", "antwoord"), "output"),
    **dict.fromkeys(("відповідь", "svar", "جواب", "คำตอบ"), "output"),
    **dict.fromkeys(("system_prompt", "system_message", "系统", "系统提示", "系统提示词"), "system"),
    **dict.fromkeys(("chat", "turns", "contents"), "messages"),
    **dict.fromkeys(("dialog", "dialogs", "dialogues", "utterances", "对话", "对话内容", "多轮对话"), "dialogue"),
    **dict.fromkeys(("對話", "對話內容"), "dialogue"),
    **dict.fromkeys(("system_instruction", "systeminstruction", "系統", "系統提示"), "system"),
    **dict.fromkeys(
        ("preferred_output", "preferred", "accepted", "winner", "chosen_response", "chosen_messages"), "chosen"
    ),
    **dict.fromkeys(("rejected_response", "rejected_messages", "non_preferred_output"), "rejected"),
    **dict.fromkeys(("dispreferred", "loser", "reject"), "rejected"),
    **dict.fromkeys(("agent_role", "bot_name", "role_name", "character_name", "char_name", "role"), "character"),
    **dict.fromkeys(("角色名稱", "角色姓名"), "character"),
    **dict.fromkeys(("char", "npc", "角色", "角色名", "角色名称", "人物", "人物名"), "character"),
}
"""Other names of the columns that the formats know, in lower case and with `_` between words."""
CANONICAL = frozenset(SYNONYMS.values()) | {"conversations", "conversation", "history", "scene", "source", "label"}
"""Names of columns that may be written in capitals, too."""


@lru_cache(1024)
def canonical(column: str) -> str:
    """The name that the formats know a column by, or its own."""
    spelled = re.sub(r"[\s\-]+", "_", str(column).strip().casefold())
    return SYNONYMS.get(spelled, spelled if spelled in CANONICAL else column)
