# docker build -t offbook .                                                    for a processor
# docker build -t offbook --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .    for an NVIDIA GPU
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

# A Chinese font for the pictures of losses and verdicts; its version does not matter.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/offbook
COPY constraints.txt ./
# torch first and by itself: it is most of the image, and changes least.
RUN pip install --index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install -c constraints.txt '.[all]'

# Models, runs and settings lie on the volume; the program runs as nobody in particular.
RUN useradd --create-home --uid 1000 offbook \
    && mkdir /data \
    && chown offbook:offbook /data
USER 1000:1000
WORKDIR /data
ENV OFFBOOK_HOME=/data/models \
    OFFBOOK_RUNS=/data/runs
VOLUME /data

EXPOSE 8000
# Only a container that serves answers; one that trains is healthy as long as it runs.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import os, sys, urllib.request; b'serve' in open('/proc/1/cmdline', 'rb').read() and urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]

ENTRYPOINT ["offbook"]
CMD ["--help"]
