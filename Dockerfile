# The page in a container; docs/hosting.md says how it is run. Everything is inside: no network is needed.
FROM python:3.12-slim

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

COPY app.py LICENSE ./
COPY pneumonia ./pneumonia
COPY checkpoints ./checkpoints
COPY examples ./examples
COPY docs/api.md ./docs/api.md
COPY docs/audit/audit.json ./docs/audit/audit.json
COPY docs/evaluation/evaluation.json ./docs/evaluation/evaluation.json

# What is written goes to /tmp: the root may be read-only.
ENV HOME=/tmp \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1

USER 65534:65534
EXPOSE 7860
HEALTHCHECK --start-period=2m --timeout=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/')"]

CMD ["python", "app.py"]
