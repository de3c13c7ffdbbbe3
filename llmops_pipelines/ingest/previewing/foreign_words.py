"""Words that keys of logs hold in German, French, Spanish, Italian and Portuguese, in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, str]] = {
    "of": "de du des der von del di",
    "number": "anzahl nombre numero",
    "timestamp": "zeitpunkt zeitstempel horodatage",
    "date": "datum fecha",
    "time": "zeit uhrzeit hora ora",
    "started": "beginn debut inicio inizio",
    "start time": "startzeit",
    "ended": "ende fine",
    "end time": "endzeit",
    "duration": "dauer laufzeit duree duracion duracao durata",
    "latency": "latenz latence latencia latenza",
    "response time": "antwortzeit",
    "model": "modell modele modelo modello",
    "provider": "anbieter fournisseur proveedor fornitore fornecedor",
    "input": "eingabe entree entrada ingresso",
    "output": "ausgabe sortie salida saida uscita",
    "tokens": "jeton jetons",
    "input tokens": "eingabetoken eingabetokens",
    "output tokens": "ausgabetoken ausgabetokens",
    "cached": "zwischengespeichert gecacht",
    "total": "gesamt summe totale",
    "cost": "kosten cout couts coste costo custo",
    "price": "preis prix precio prezzo preco",
    "amount": "betrag montant importe importo",
    "user": "benutzer nutzer utilisateur usuario utente",
    "customer": "kunde cliente",
    "tenant": "mandant",
    "session": "sitzung sesion sessione sessao",
    "conversation": "conversacion conversazione",
    "department": "abteilung departement departamento",
    "team": "equipe equipo",
    "application": "anwendung aplicacion applicazione",
    "service": "dienst servicio servizio",
    "environment": "umgebung environnement entorno ambiente",
    "prompt": "invite",
    "question": "frage pregunta domanda pergunta",
    "answer": "antwort reponse respuesta risposta resposta",
    "request": "anfrage requete solicitud richiesta",
    "id": "kennung identifiant identificador",
    "error": "fehler erreur errore erro",
    "error message": "fehlermeldung",
    "error code": "fehlercode",
    "status": "statut etat estado stato",
    "result": "ergebnis resultat resultado risultato",
    "successful": "erfolgreich",
    "attempt": "versuch essai tentative intento tentativo",
    "reasoning": "raisonnement razonamiento",
}  # fmt: skip

IN_ENGLISH: Final[Mapping[str, tuple[str, ...]]] = {
    word: tuple(english.split()) for english, words in _WORDS.items() for word in words.split()
}
"""English words by a foreign one, in small letters and without accents."""

FAILING: Final = ("fehl", "abgebr", "abgelehnt", "echec", "echou", "erreur", "refus", "annul",
                  "fall", "rechaz", "errore")  # fmt: skip
"""What words of a status hold where a call failed."""
