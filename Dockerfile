FROM python:3.12-slim

# extras of pyproject.toml, separated by commas: gpu, or video,heic
ARG EXTRAS=""

RUN useradd --create-home --uid 1000 nst && install --directory --owner=nst --group=nst /work

COPY . /src
RUN pip install --no-cache-dir "/src${EXTRAS:+[$EXTRAS]}"

USER 1000
WORKDIR /work
VOLUME /work
ENTRYPOINT ["nst"]
