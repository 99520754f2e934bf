"""Coding agents: how each is pointed at the gateway, and given one prompt without a terminal."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from attrs import field, frozen

FOLDERS: Final = "JACKFIELD_CODING_AGENTS"
"""The variable that names the folders of their commands, as PATH does."""

_CODEX: Final = """
model = "MODEL"
model_provider = "jackfield"

[model_providers.jackfield]
name = "Jackfield"
base_url = "GATEWAY/v1"
env_key = "JACKFIELD_KEY"
wire_api = "responses"
"""
_OPENCODE: Final = """
{
  "provider": {
    "jackfield": {
      "npm": "@ai-sdk/openai-compatible",
      "options": {"baseURL": "GATEWAY/v1", "apiKey": "{env:JACKFIELD_KEY}"},
      "models": {"MODEL": {}}
    }
  }
}
"""
_GEMINI: Final = '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'


@frozen
class Agent:
    """A command; GATEWAY, MODEL and FOLDER in its settings stand for what they say."""

    command: str
    environment: Mapping[str, str]
    reads: tuple[str, str]
    """Its tool that shows a file: the name, and the arguments as JSON."""
    files: Mapping[str, str] = field(factory=dict)

    def ask(self, prompt: str, folder: Path, gateway: str, model: str) -> str:
        """What it prints, in an environment that holds nothing else."""
        words = {"GATEWAY": gateway, "MODEL": model, "FOLDER": str(folder)}
        for name, text in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(_filled(text, words))
        given = {name: _filled(text, words) for name, text in self.environment.items()}
        command = [prompt if word == "PROMPT" else _filled(word, words) for word in self._words]
        done = subprocess.run(
            command,
            cwd=folder,
            env={"HOME": str(folder), "PATH": _path(), **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def name(self) -> str:
        return self.command.split()[0]

    @property
    def _words(self) -> list[str]:
        found = shutil.which(self.name, path=_path())
        if found is None:
            pytest.skip(f"no {self.name}: name the folder of its command in {FOLDERS}")
        return [found, *self.command.split()[1:]]


def _path() -> str:
    return os.pathsep.join([os.environ.get(FOLDERS, ""), os.environ.get("PATH", os.defpath)])


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


AGENTS: Final = (
    Agent(
        "claude -p PROMPT --model MODEL",
        {
            "ANTHROPIC_BASE_URL": "GATEWAY/anthropic",
            "ANTHROPIC_API_KEY": "any",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        ("Read", '{"file_path": "FOLDER/note.txt"}'),
    ),
    Agent(
        "codex exec --skip-git-repo-check --sandbox read-only PROMPT",
        {"JACKFIELD_KEY": "any"},
        ("exec_command", '{"cmd": "cat FOLDER/note.txt"}'),
        {".codex/config.toml": _CODEX},
    ),
    Agent(
        "gemini -p PROMPT -m MODEL",
        {
            "GOOGLE_GEMINI_BASE_URL": "GATEWAY/gemini",
            "GEMINI_API_KEY": "any",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        },
        ("read_file", '{"file_path": "FOLDER/note.txt"}'),
        {".gemini/settings.json": _GEMINI},
    ),
    Agent(
        "opencode run -m jackfield/MODEL PROMPT",
        {"JACKFIELD_KEY": "any"},
        ("read", '{"filePath": "FOLDER/note.txt"}'),
        {"opencode.json": _OPENCODE},
    ),
    Agent(
        "qwen --auth-type openai -p PROMPT",
        {"OPENAI_BASE_URL": "GATEWAY/v1", "OPENAI_API_KEY": "any", "OPENAI_MODEL": "MODEL"},
        ("read_file", '{"file_path": "FOLDER/note.txt"}'),
    ),
)
each_agent: Final = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
